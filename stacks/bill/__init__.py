"""What a captured program costs in a month: `bill.bill(capture, settings)`, one rule for each type that costs money."""
