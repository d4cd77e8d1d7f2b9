"""A query at many cut-offs becomes labelled rows; the only place that knows what lies ahead."""
