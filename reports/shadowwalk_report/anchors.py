"""Places on the page that several parts of it link to."""

import re


def workload_anchors(workloads):
    """{workload: the id of its page}: safe in a link, and no two alike."""
    anchors, taken = {}, set()
    for workload in workloads:
        stem = anchor = "workload-" + (re.sub(r"[^A-Za-z0-9]+", "-", workload)[:40].strip("-") or "unnamed")
        number = 2
        while anchor.lower() in taken:
            anchor, number = f"{stem}-{number}", number + 1
        taken.add(anchor.lower())
        anchors[workload] = anchor
    return anchors
