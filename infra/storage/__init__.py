"""Where models and images lie: an artifact bucket, an image registry, and the way in from Snowflake."""
