"""A Pulumi program's resources without engine, account or network: `run.capture(program)`."""
