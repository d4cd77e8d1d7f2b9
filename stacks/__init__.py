"""Which components, how big, how much: settings, tiers, prices and the programs."""
