"""What every stack has to keep: pure rules over its resources, in `catalogue`; the Pulumi policy pack in `pack/`."""
