"""The Python interface: what `import ctt_net` offers, thin over the packages below it."""
