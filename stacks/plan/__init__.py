"""What a stack would be, before anything is paid for: `plan.make_plan(stack)` runs its program in the capture."""
