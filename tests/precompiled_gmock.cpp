// Empty: its target is there for the header that all tests share.
