"""A photo's life: indexing, imaging, renditions, the gallery, originals."""
