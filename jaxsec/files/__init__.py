"""Files of arrays, channels and strategies: read strictly, written whole or not at all."""
