"""From a folder of clips to features: pictures and sound, face, voice, words."""
