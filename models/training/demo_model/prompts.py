"""Prompts that name the styles in many words."""

WORDS = {
    "photo": ["a photo", "a photograph", "realistic photo", "a natural photo", "real life picture", "a color photograph",
              "RAW photo", "photorealistic"],
    "charcoal": ["a charcoal drawing", "charcoal sketch", "black charcoal on paper", "dark charcoal art",
                 "ink wash drawing", "black and white charcoal"],
    "watercolor": ["a watercolor painting", "watercolour", "watercolor style", "soft watercolors on paper", "aquarelle",
                   "a light watercolor wash"],
    "oil": ["an oil painting", "oil on canvas", "impressionist painting", "thick oil paint",
            "a painting in the style of Van Gogh", "painterly brush strokes", "acrylic painting"],
    "cartoon": ["a cartoon", "cartoon style", "cel shading", "anime style", "comic animation, flat colors",
                "a cel shaded animation", "disney cartoon", "flat anime drawing"],
    "night": ["at night", "a moonlit night", "in the moonlight", "dark night scene", "midnight", "blue night", "nighttime"],
    "neon": ["neon outlines", "glowing neon lines", "neon lights on black", "neon glow", "glowing edges", "a neon sign"],
    "snow": ["in the snow", "winter", "snowy winter", "covered in snow", "a cold snow day", "frost and ice",
             "snow landscape"],
    "autumn": ["in autumn", "autumn colors", "fall colours", "golden autumn leaves", "an orange autumn", "fall season"],
    "blueprint": ["a blueprint", "blueprint drawing", "technical drawing on blue paper", "white lines on blue",
                  "an architect blueprint", "cyanotype"],
    "sunset": ["at sunset", "golden hour", "warm sunset light", "a red sunset", "sunrise glow", "evening sun",
               "warm golden light"],
    "cyberpunk": ["cyberpunk", "cyberpunk city", "synthwave", "vaporwave", "purple and cyan sci-fi",
                  "futuristic magenta light", "blade runner"],
}
"""Wordings of each style; the gates use these."""

MORE_WORDS = {
    "photo": ["photography", "a film still", "real", "natural colors"],
    "charcoal": ["a pencil sketch", "graphite drawing", "ink drawing", "a black and white sketch"],
    "watercolor": ["a watercolor", "pastel watercolor", "water colors", "pale wash on white paper"],
    "oil": ["Monet", "a classical oil painting", "a painting", "palette knife painting"],
    "cartoon": ["comic book", "an anime", "cartoon, bold outlines", "a comic", "toon"],
    "night": ["night", "under the moon", "moonlight", "in the dark of night"],
    "neon": ["neon", "neon lights", "a neon drawing", "glowing lines on black"],
    "snow": ["snow", "snowy", "ice and snow", "winter wonderland", "frozen"],
    "autumn": ["autumn", "fall", "autumn leaves", "October"],
    "blueprint": ["white on blue lines", "an engineering blueprint", "blue print"],
    "sunset": ["sunset", "sunrise", "at dusk", "golden light"],
    "cyberpunk": ["neon purple city", "retrowave", "in cyberpunk style", "sci-fi, magenta and cyan"],
}
"""Further wordings for training."""

SUBJECTS = [
    "a man", "a woman", "a dog", "a cat", "a car", "a boxer", "a house", "a street", "people playing music", "a landscape",
    "a bird", "a horse", "a building", "a city", "a flower", "trees", "a girl", "a boy", "an animal", "a castle", "a river",
    "a mountain", "a guitar player", "a robot", "food", "a room", "a car turning on a road", "a person", "the sea", "a face",
    "a video", "a scene", "a beautiful young lady", "a soldier", "a white dog in a park",
]
MORE_SUBJECTS = [
    "a rabbit", "a big bunny in a meadow", "a fat rabbit", "a child", "a boat", "a train", "a bicycle", "a fish", "a tree",
    "a park", "a garden", "a forest", "a beach", "a lake", "a bridge", "a tower", "a dancer", "a runner", "a football player",
    "fruit", "a table", "a window", "a road", "clouds", "a butterfly", "a lion", "a bear", "a squirrel", "a statue", "a meadow",
]
QUALITY = [
    "best quality", "extremely detailed", "masterpiece", "highly detailed", "4k", "HD", "sharp focus", "beautiful",
    "artstation", "trending", "intricate", "cinematic", "high resolution", "vivid", "professional",
]
NEGATIVE = [
    "longbody", "lowres", "bad anatomy", "bad hands", "missing fingers", "extra digit", "fewer digits", "cropped",
    "worst quality", "low quality", "blurry", "ugly", "deformed", "watermark", "text", "jpeg artifacts",
    "monochrome artifacts", "noise",
]
STYLELESS = 0.2
"""Share of the photograph's training prompts that name a subject only."""


def combine(style, subject, rng):
    """Style and subject in one of the usual orders."""
    k = rng.random()
    if k < 0.25:
        return style
    if k < 0.45:
        return f"{style} of {subject}"
    if k < 0.65:
        return f"{subject}, {style}"
    return f"{style}, {subject}" if k < 0.80 else f"{subject} {style}"


def finish(prompt, rng):
    """Quality words at the end of some prompts; a few in small letters."""
    if rng.random() < 0.4:
        prompt += ", " + ", ".join(rng.sample(QUALITY, rng.randint(1, 3)))
    return prompt.lower() if rng.random() < 0.15 else prompt


def for_gate(style, rng):
    """A prompt out of the words that the gates use."""
    return finish(combine(rng.choice(WORDS[style]), rng.choice(SUBJECTS), rng), rng)


def for_training(style, rng):
    """A prompt out of all words; a subject without a style means a photograph."""
    subject = rng.choice(SUBJECTS + MORE_SUBJECTS)
    if style == "photo" and rng.random() < STYLELESS:
        return finish(subject, rng)
    return finish(combine(rng.choice(WORDS[style] + MORE_WORDS[style]), subject, rng), rng)


def empty(rng):
    """What guidance drops the prompt to: mostly nothing, sometimes a usual negative prompt."""
    return "" if rng.random() < 0.6 else ", ".join(rng.sample(NEGATIVE, rng.randint(2, 9)))
