"""The project's bounds: what may cost how much more than what. Each holds for one run, in which subject and floor were
measured side by side. Names are stems (program.stem)."""

import dataclasses

THREADS = (1, 2)
PEERS = (("hazard", "ck/hp", 1.0), ("ebr", "ck/epoch", 1.0), ("rcu", "urcu/memb", 1.05))
PAGES = (1_000, 10_000, 100_000, 1_000_000)


@dataclasses.dataclass(frozen=True)
class Ratio:
    """subject / floor <= limit"""

    subject: str
    floor: str
    limit: float

    @property
    def names(self):
        return (self.subject, self.floor)

    def __str__(self):
        return f"{self.subject} <= {self.limit:g} x {self.floor}"


@dataclasses.dataclass(frozen=True)
class Growth:
    """The greatest of several times <= limit x the least."""

    names: tuple
    limit: float

    def __str__(self):
        family = self.names[0].rpartition(":")[0]
        first, last = (name.rpartition(":")[2] for name in (self.names[0], self.names[-1]))
        return f"{family}:{first}..{last} flat within {self.limit:g} x"


@dataclasses.dataclass(frozen=True)
class Counter:
    """A benchmark's counter <= limit. Counted, not timed."""

    name: str
    counter: str
    limit: float

    @property
    def names(self):
        return (self.name,)

    def __str__(self):
        return f"{self.name} {self.counter} <= {self.limit:g}"


def bounds(variants):
    """All bounds for these variants, in the order of the table."""
    return (
        # The engine's walk is the floor's walk; the scheme's section is what the scheme must do.
        *(Ratio(f"walk/leak/threads:{n}", f"floor/pointer_chase/threads:{n}", 1.05) for n in THREADS),
        *(Ratio(f"section/irq-ipi/threads:{n}", f"floor/xchg/threads:{n}", 1.25) for n in THREADS),
        *(Ratio(f"section/rcu-counter/threads:{n}", f"floor/rcu_counter_by_hand/threads:{n}", 1.1) for n in THREADS),
        # What a scheme adds to a walk: next to nothing where the freer pays, a barrier, or a store and a load a level.
        *(Ratio(f"walk/{scheme}/threads:{n}", f"walk/leak/threads:{n}", limit) for n in THREADS
          for scheme, limit in (("qsbr", 1.2), ("mode-membarrier", 1.2), ("irq-ipi", 2.3), ("hazard-asym", 2.5))),
        # No dearer than the same scheme of another library, on the same walk. What a build has not is told as such.
        *(Ratio(f"walk/{ours}/threads:{n}", f"peer/{theirs}/threads:{n}", limit) for ours, theirs, limit in PEERS for n in THREADS),
        # Measuring everything keeps 0.97 of the walks.
        *(Ratio(f"cell/{variant}/instrumentation:full", f"cell/{variant}/instrumentation:none", round(1 / 0.97, 3))
          for variant in variants),
        # An exit is KVM's.
        Ratio("exit/mmio", "floor/kvm_run/mmio", 1.05),
        *(Ratio(f"exit/doorbell/burst:{n}", f"floor/kvm_run/doorbell/burst:{n}", 1.05) for n in (2, 1024)),
        # A walk's cost follows the caches and nothing else: the plain tree has the same caches.
        *(Ratio(f"walk/leak/pages:{n}", f"floor/pointer_chase/pages:{n}", 1.05) for n in PAGES),
        # Zap-everything costs the same per page, however many there are.
        *(Growth(tuple(f"zap_all/{variant}/pages:{n}" for n in PAGES), 1.5) for variant in variants),
        # Shadow pages take little more than their tables.
        *(Counter(f"memory/{variant}/pages:{PAGES[-1]}", "bytes_over_tables", 1.1) for variant in variants),
    )
