"""A published protocol on a folder of tables: same rows, same times, every model, several seeds, an interval."""
