"""The windows of recurring exports: periods, boundaries, and what is due."""
