"""Numerical kernels: arrays in, arrays out, imported by anything from calibration up and importing none of ours."""
