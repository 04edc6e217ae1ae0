"""Which emoji the model learns: clear things a person would ask for by name, and no near-duplicates.

Fewer subjects seen more often is what a small model needs, so this is a choice, written as data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SKIPPED_GROUPS = frozenset({"component", "flags"})

SUBJECTS: dict[str, str] = {
    "faces": (
        "grinning face, face with tears of joy, winking face, smiling face with halo, smiling face with heart-eyes, "
        "thinking face, sleeping face, face with medical mask, cowboy hat face, smiling face with sunglasses, crying "
        "face, angry face, smiling face with horns, skull, ghost, alien, robot, clown face, pile of poo"
    ),
    "hearts": (
        "red heart, pink heart, orange heart, yellow heart, green heart, blue heart, purple heart, brown heart, black "
        "heart, broken heart, sparkling heart, heart with arrow"
    ),
    "people": (
        "raised fist, victory hand, OK hand, waving hand, eye, ear, mouth, tooth, bone, brain, baby, boy, man, woman, "
        "police officer, astronaut, princess, Santa Claus, mermaid"
    ),
    "animals": (
        "monkey face, gorilla, dog face, wolf, fox, cat face, lion, tiger face, horse face, unicorn, zebra, cow face, "
        "pig face, giraffe, elephant, mouse face, hamster, rabbit face, hedgehog, bat, bear, koala, panda, paw "
        "prints, chicken, rooster, baby chick, penguin, eagle, duck, swan, owl, flamingo, parrot, frog, crocodile, "
        "turtle, snake, dragon face, T-Rex, whale, dolphin, fish, tropical fish, blowfish, shark, octopus, crab, "
        "lobster, spiral shell, snail, butterfly, ant, honeybee, lady beetle, spider"
    ),
    "plants": (
        "rose, sunflower, tulip, cherry blossom, hibiscus, evergreen tree, palm tree, cactus, shamrock, maple leaf, "
        "mushroom, potted plant"
    ),
    "food": (
        "grapes, watermelon, tangerine, lemon, banana, pineapple, red apple, green apple, pear, peach, cherries, "
        "strawberry, blueberries, tomato, coconut, avocado, eggplant, carrot, ear of corn, hot pepper, bell pepper, "
        "broccoli, onion, bread, croissant, pretzel, pancakes, cheese wedge, poultry leg, hamburger, french fries, "
        "pizza, hot dog, taco, egg, cooking, popcorn, rice ball, steaming bowl, sushi, soft ice cream, doughnut, "
        "cookie, birthday cake, cupcake, chocolate bar, candy, lollipop, honey pot, glass of milk, hot beverage, "
        "teapot, wine glass, cocktail glass, beer mug"
    ),
    "transport": (
        "locomotive, bus, ambulance, fire engine, police car, taxi, automobile, tractor, racing car, motorcycle, "
        "bicycle, anchor, sailboat, ship, airplane, helicopter, parachute, rocket, flying saucer"
    ),
    "places and sky": (
        "house, castle, church, tent, volcano, globe showing Americas, sun, full moon, crescent moon, ringed planet, "
        "star, cloud, cloud with rain, rainbow, umbrella, high voltage, snowflake, snowman, fire, droplet, water wave"
    ),
    "things": (
        "jack-o-lantern, Christmas tree, balloon, wrapped gift, trophy, soccer ball, baseball, basketball, american "
        "football, tennis, bowling, boxing glove, bullseye, pool 8 ball, crystal ball, video game, game die, teddy "
        "bear, artist palette, glasses, sunglasses, necktie, t-shirt, jeans, dress, socks, running shoe, high-heeled "
        "shoe, backpack, crown, top hat, graduation cap, ring, gem stone, bell, musical note, microphone, headphone, "
        "guitar, violin, trumpet, drum, mobile phone, laptop, television, camera, light bulb, candle, closed book, "
        "envelope, money bag, coin, pencil, scissors, locked, key, hammer, axe, bomb, shield, gear, magnet, pill, "
        "door, chair, alarm clock, hourglass done, stop sign, warning"
    ),
}
"""Official labels of the subjects, by theme."""

LABELS = frozenset(label.strip() for theme in SUBJECTS.values() for label in theme.split(","))

SHORT_NAMES = {
    "automobile": "car",
    "american football": "football",
    "bullseye": "target",
    "cooking": "fried egg",
    "ear of corn": "corn",
    "evergreen tree": "tree",
    "flying saucer": "ufo",
    "gem stone": "diamond",
    "glass of milk": "milk",
    "globe showing Americas": "earth",
    "headphone": "headphones",
    "high voltage": "lightning",
    "honeybee": "bee",
    "hot beverage": "coffee",
    "lady beetle": "ladybug",
    "locked": "padlock",
    "locomotive": "steam train",
    "mobile phone": "phone",
    "pile of poo": "poo",
    "police officer": "policeman",
    "raised fist": "fist",
    "ringed planet": "planet",
    "soccer ball": "soccer",
    "soft ice cream": "ice cream cone",
    "steaming bowl": "ramen",
    "T-Rex": "dinosaur",
    "water wave": "wave",
    "wrapped gift": "gift",
    "poultry leg": "chicken leg",
    "jack-o-lantern": "pumpkin",
    "video game": "game controller",
}
"""What people call the things whose official label is long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emoji:
    """One emoji: its code points, its official label, and the words around it."""

    hexcode: str
    label: str
    tags: tuple[str, ...]
    group: str
    subgroup: str

    @property
    def name(self) -> str:
        """The word a prompt would use."""
        return SHORT_NAMES.get(self.label, self.label.removesuffix(" face") if self.is_animal else self.label)

    @property
    def is_animal(self) -> bool:
        """Whether its subgroup is one of animals."""
        return self.subgroup.startswith("animal")

    def code_points(self) -> tuple[str, ...]:
        """The spellings an icon set may file it under: as given, without variation selectors."""
        code = self.hexcode.lower()
        return code, code.replace("-fe0f", "")


def read_emoji(package: Path) -> list[Emoji]:
    """Read emojibase's English list, without flags, components and skin tones, in a fixed order."""
    meta = json.loads((package / "meta" / "groups.json").read_text())
    rows = json.loads((package / "en" / "data.json").read_text())
    emoji = [
        Emoji(
            hexcode=row["hexcode"],
            label=row["label"],
            tags=tuple(row.get("tags", ())),
            group=meta["groups"][str(row["group"])],
            subgroup=meta["subgroups"][str(row["subgroup"])],
        )
        for row in rows
        if "subgroup" in row
    ]
    return [one for one in emoji if one.group not in SKIPPED_GROUPS]


def is_subject(one: Emoji) -> bool:
    """Whether the model is taught this emoji."""
    return one.label in LABELS


def subject_ids(emoji: list[Emoji]) -> list[int]:
    """Rows of the emoji list that are subjects."""
    return [row for row, one in enumerate(emoji) if is_subject(one)]
