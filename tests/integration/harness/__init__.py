"""What the tests against real systems share: processes, ports, waiting, and one module per real system."""
