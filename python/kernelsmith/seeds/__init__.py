"""Seeds: what torch.compile makes of a module, written out as candidates that stand alone."""
