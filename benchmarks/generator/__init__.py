"""Whether a learned generator brings simulated scans nearer to real ones.

Run from the checkout; REAL is unpacked as `datasets/chu_quebec/README.md` says:

    export OMP_NUM_THREADS=1
    python -m benchmarks.generator REAL out/generator train look teach --seed 0
    python -m benchmarks.generator REAL out/generator summary

Half of the real eyes, drawn by the seed, are shown to the generator; the other half measures. Not a
part of `ctt_net`: see docs/experiments.md. Research use only. Not a medical device.
"""
