"""What make calls: setup, locks, and the checks of both and of imports."""
