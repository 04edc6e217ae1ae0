/**
 * The types that the desk's modules share. There is no code here.
 *
 * @typedef {string | number | boolean | null} Value
 *
 * @typedef {object} Strip One LoRA of the mix; `desk/document.py` says what each field means.
 * @property {number} number Tells it from the other strips.
 * @property {string} name
 * @property {number} strength
 * @property {number | null} text Strength on text encoders; null means the same.
 * @property {boolean} on
 * @property {boolean} solo
 * @property {string | null} blocks
 * @property {string} curve
 * @property {[number, number, number, number] | { id: string } | null} mask A rectangle, or a picture that was sent.
 * @property {number | null} [rank]
 * @property {string | null} [elements]
 * @property {unknown[]} [hires]
 *
 * @typedef {object} Preset A preset that is on, and what its settings were before.
 * @property {string} name
 * @property {Record<string, Value>} before
 *
 * @typedef {object} Corner A corner of the mix pad: what the strips' strengths are there; others are 0.
 * @property {string} name
 * @property {Record<string, number>} strengths By the strips' numbers.
 *
 * @typedef {object} Pad The mix pad: two to four corners (top left, top right, bottom left, bottom right) and the dot.
 * @property {Corner[]} corners
 * @property {[number, number]} at From the left and from the top, 0 to 1.
 *
 * @typedef {[number, number, number, number] | { id: string } | "background" | "auto"} Place
 *   A rectangle, a picture that was sent, what no other region claims, or found by words.
 *
 * @typedef {object} Region A part of the picture; `desk/regions.py` says what each field means.
 * @property {number} number Tells it from the other regions.
 * @property {string} prompt
 * @property {string | null} negative
 * @property {Place} mask
 * @property {number[]} strips The numbers of the strips that act in it; those in no region act everywhere.
 * @property {number} weight
 * @property {number} feather
 * @property {string} words
 *
 * @typedef {object} Document
 * @property {number} version
 * @property {string} prompt
 * @property {string} negative
 * @property {Strip[]} strips
 * @property {Record<string, Value>} settings
 * @property {Preset | null} [preset]
 * @property {Region[]} [regions]
 * @property {Pad | null} [pad]
 * @property {Start | null} [start]
 *
 * @typedef {object} Start What a picture starts from: pictures that were sent, by their digests (`picture/send.js`).
 * @property {{ id: string, width: number, height: number } | null} init
 * @property {{ id: string } | null} mask What of it is drawn anew.
 *
 * @typedef {object} History The document with its past and its future.
 * @property {Document[]} past
 * @property {Document} present
 * @property {Document[]} future
 * @property {string | null} gesture What the last change belongs to: one gesture is one step of undo.
 *
 * @typedef {object} Picture A picture of the history, as `desk/pictures.py` tells of it.
 * @property {number} id
 * @property {string} url
 * @property {string} thumb
 * @property {string} name
 * @property {boolean} pinned
 * @property {number} seed
 * @property {string} prompt
 * @property {string} record
 * @property {number} [places] How many places were found in it by words.
 *
 * @typedef {object} Answer What the server says of a render.
 * @property {number} number The number of what it answers.
 * @property {"began" | "step" | "cancelled" | "error" | "done"} kind
 * @property {number} [ahead]
 * @property {number} [step]
 * @property {number} [steps]
 * @property {number} [left] Seconds.
 * @property {string | null} [preview]
 * @property {Picture} [picture]
 * @property {number} [seconds]
 * @property {string[]} [notes]
 * @property {string} [says]
 *
 * @typedef {object} Shown What is known of renders: the newest answer, the newest preview, the newest picture.
 * @property {Answer | null} newest
 * @property {Answer | null} preview
 * @property {Answer | null} done
 *
 * @typedef {object} Tag A tag of the prompt and the strip it stands for.
 * @property {number} at
 * @property {number} end
 * @property {Partial<Strip> & {name: string, strength: number}} strip
 *
 * @typedef {object} Problem
 * @property {"prompt" | "negative" | "strip" | "region"} place
 * @property {number} [number]
 * @property {string} says
 *
 * @typedef {object} Card A LoRA as the library shows it.
 * @property {string} name
 * @property {string} thumb
 * @property {string} [folder]
 * @property {string} [base]
 * @property {string | null} [problem]
 * @property {boolean} texts
 * @property {number} [strength]
 * @property {[number, number] | null} [range]
 * @property {string[]} words
 * @property {boolean} [missing]
 *
 * @typedef {object} Facts What the server knows of a document.
 * @property {string} prompt The prompt they are about.
 * @property {{prompt: string, negative: string}} counts
 * @property {Tag[]} tags
 * @property {Problem[]} problems
 * @property {Record<string, Card>} loras
 *
 * @typedef {object} View What the page shows beside the document; undo leaves it alone.
 * @property {boolean} live
 * @property {boolean} endless
 * @property {boolean} lock Whether Generate keeps the noise of the picture on the screen.
 * @property {number} count Pictures of one Generate.
 * @property {Picture | null} picture The picture on the screen, which its buttons act on.
 * @property {Picture | null} compared
 * @property {number | null} [region] The region that is chosen.
 * @property {boolean} [outlines] Whether regions are shown on the picture.
 * @property {Record<string, [number, number]>} [limits] Between which strengths a LoRA may be surprised and explored.
 * @property {number} [most] LoRAs of a surprise.
 *
 * @typedef {object} ControlForm A row of the table of controls, as `desk/advanced.py` tells of it.
 * @property {string} field
 * @property {string} id
 * @property {string} place
 * @property {Value} plain
 * @property {{en: string, zh: string}} label
 * @property {"choice" | "slider" | "number" | "switch" | "text"} shape
 * @property {string[]} [choices]
 * @property {Record<string, string>} [chinese] What choices are called in Chinese.
 * @property {boolean} [first]
 * @property {boolean} [free]
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} [step]
 * @property {boolean} [whole]
 *
 * @typedef {object} Method A way of blending, a row of `choices/methods.py`.
 * @property {string} name
 * @property {{ en: string, zh: string }} title
 * @property {{ en: string, zh: string }} does
 * @property {boolean} experimental
 * @property {{ name: string, default: number, low: number, high: number, whole: boolean, meaning: { en: string, zh: string } }[]} numbers
 *
 * @typedef {object} FirstFacts What the page begins with, as `desk/first.py` tells it.
 * @property {Record<string, [string, string]>} words
 * @property {ControlForm[]} controls
 * @property {ControlForm[]} start Controls of what a picture starts from, and of its mask.
 * @property {string[]} models
 * @property {Record<string, string[]>} idle The settings that do nothing for a model, by its name.
 * @property {Record<string, Record<string, Value>>} presets
 * @property {Record<string, { schedules: string[], eta: boolean }>} samplers What each can take.
 * @property {Method[]} methods
 * @property {string[]} films Formats of a film, such as `.webp`.
 * @property {Record<string, string>} curves What named curves are called in Chinese.
 * @property {string[]} blocks
 * @property {Document} document
 *
 * @typedef {object} Handle What Gradio gives the script of a component of its `gr.HTML`.
 * @property {HTMLElement} element
 * @property {(event: string, data?: unknown) => void} trigger
 * @property {Record<string, any>} props
 * @property {Record<string, (...sent: unknown[]) => Promise<any>>} server
 * @property {(file: File) => Promise<{path: string, url: string}>} upload
 * @property {(names: string | string[], heard: () => void) => void} watch
 */

export {};
