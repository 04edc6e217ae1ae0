"""Ways of blending against the plain sum, on the embedded model: a protocol in the manner of ComposLoRA (arXiv:2402.16843)."""
