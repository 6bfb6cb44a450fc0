"""The options of fine-tuning: one frozen record of every choice. Loads no torch."""

from dataclasses import dataclass, replace

from toxicity_ml.base_models import DEFAULT_BASE, DEFAULT_POOLING
from toxicity_ml.labels import JIGSAW_LABELS, MULTI_LABEL, SINGLE_LABEL, TASKS

LOSSES = {MULTI_LABEL: ("bce", "focal"), SINGLE_LABEL: ("cross_entropy", "focal")}
"""The losses that fit each task, the default first."""
MIXUP_LEVELS = ("words", "texts")
WHOLE, LAST, HEAD, LORA = "whole", "last", "head", "lora"
LORA_RANK = 8
"""The rank where none is said."""


@dataclass(frozen=True)
class TrainingOptions:
    """How to fine-tune. The defaults are where a recipe starts; a version's manifest has its own."""

    base_model: str = DEFAULT_BASE
    """Encoder by hub name or directory, or a model version directory to go on from, its head included."""
    labels: tuple[str, ...] = JIGSAW_LABELS
    """Labels, or the classes of a single-label task."""
    task: str = MULTI_LABEL
    """``multi_label``: a sigmoid for each label. ``single_label``: a softmax over the classes."""
    pooling: str = DEFAULT_POOLING
    """What the head sees: ``mean``, ``mean:3,6`` (layers), or ``pooler``. A version to go on from has its
    own."""
    max_length: int = 192
    """Tokens of a training text, special tokens included; the rest is cut."""
    symbols_in_words: bool = False
    """Put emoji and other symbols that the tokenizer lacks into words. A version to go on from that
    names it has its own."""
    epochs: float = 2.0
    batch_size: int = 32
    body_lr: float = 5e-5
    """Learning rate of the encoder's last layer."""
    layer_decay: float = 0.85
    """Factor from each layer to the one below it, the embeddings last."""
    head_lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    """Share of the steps during which the learning rate rises."""
    dropout: float = 0.1
    """Before the head."""
    encoder_dropout: float = 0.0
    """Inside the encoder, of states and attention. Without it an epoch on a CPU takes about half the time."""
    loss: str = "bce"
    """``bce`` or ``focal`` for several labels, ``cross_entropy`` or ``focal`` for one of several classes."""
    class_weights: str = "sqrt"
    """What a positive label or a class weighs: ``none``, ``sqrt`` (capped square root of negatives over
    positives), ``balanced`` (scikit-learn's), ``effective`` (Cui et al. 2019)."""
    pos_weight_cap: float = 5.0
    """The most that any of these weighs."""
    gamma: float = 2.0
    """Of the focal loss."""
    alpha: float | None = None
    """Of the focal loss."""
    label_smoothing: float = 0.0
    oversample: float = 0.0
    """Rows with a label rarer than this share are repeated (repeat factor sampling, Gupta et al. 2019,
    section 4); 0: none."""
    stripped: float = 0.25
    """Share of training texts that lose their punctuation, so that its absence tells nothing of the label."""
    noise: float = 0.0
    """Share of training texts with misspelt words, drawn anew in each epoch."""
    joined: float = 0.0
    """Share of training texts that are joined to a short text without any label."""
    eda: float = 0.0
    """Share of training texts that are replaced by an EDA copy (Wei & Zou 2019)."""
    mixup: float = 0.0
    """Alpha of mixup (Guo et al. 2019); 0: none."""
    mixup_level: str = "texts"
    """``words``: their embeddings; ``texts``: what the head sees."""
    distill: float = 0.0
    """Share of each target that comes from teachers (Hinton et al. 2015): an out-of-fold TF-IDF model and
    ``teachers``, averaged. It softens labels that people would not agree on."""
    teachers: tuple[str, ...] = ()
    """Model version directories. One that was trained on the same rows repeats their labels: name versions
    that were not."""
    trainable: str = WHOLE
    """What moves: ``whole``, ``last:N`` (the last N layers and the head), ``head``, or ``lora`` and
    ``lora:RANK`` (Hu et al. 2022), which is merged into the weights."""
    anchor: float = 0.0
    """Strength with which trained weights are drawn to where they started (L2-SP, Li et al. 2018)."""
    rehearsal_weight: float = 1.0
    """What a score that is to stay weighs beside a label: the factor of the squared difference of logits."""
    keep_confirmed: bool = False
    """True: a label that the version to go on from already tells rightly, by its own threshold, teaches
    nothing; its score is to stay, as a rehearsed text's."""
    interpolation: float = 1.0
    """How far the result goes from the weights of the version to go on from to the trained ones, 0 to 1
    (WiSE-FT, Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Less forgets less, and has
    learned less."""
    average_from: float = 0.0
    """Epoch from which weights are averaged; the average competes for the best checkpoint. 0: never."""
    bf16: bool | None = None
    """Autocast to bfloat16; None: where the processor computes in it."""
    seed: int = 20
    evaluations: int = 2
    """Evaluations per epoch; a checkpoint is kept at each. 0: none, the last weights are the result."""
    patience: int = 3
    """Evaluations in a row without a better one after which training stops; 0 never stops early."""
    checkpoint_every: int = 0
    """Steps between checkpoints, beside those of the evaluations; 0: those alone."""
    resume: bool = True
    """Go on from the last whole checkpoint under ``out``, where one of the same rows and options is there."""
    progress: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for an unknown task or a share outside 0 to 1."""
        if self.task not in TASKS:
            raise ValueError(f"The task {self.task!r} is not known: choose {' or '.join(TASKS)}.")
        if self.mixup_level not in MIXUP_LEVELS:
            raise ValueError(f"mixup_level must be one of {', '.join(MIXUP_LEVELS)}.")
        if self.rehearsal_weight < 0 or self.anchor < 0 or self.checkpoint_every < 0:
            raise ValueError("rehearsal_weight, anchor and checkpoint_every are not negative.")
        trainable_part(self.trainable)
        for name in ("stripped", "noise", "joined", "eda", "distill", "interpolation"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share, from 0 to 1.")
        if self.task == SINGLE_LABEL and (self.joined or self.distill):
            raise ValueError("joined and distill are for several labels: leave them at 0.")
        if self.teachers and not self.distill:
            raise ValueError("teachers without distill teach nothing: give distill a share.")


def trainable_part(trainable: str) -> tuple[str, int]:
    """Read ``TrainingOptions.trainable``: the part, and its layers or its rank, 0 where it has none.

    Raises ValueError for anything else.
    """
    part, colon, number = trainable.partition(":")
    if part in (WHOLE, HEAD) and not colon:
        return part, 0
    if part == LORA and not colon:
        return part, LORA_RANK
    if part in (LAST, LORA) and number.isdigit() and int(number) > 0:
        return part, int(number)
    raise ValueError(f"{trainable!r} names nothing to train: whole, last:N, head, lora or lora:RANK.")


def single_label(classes: tuple[str, ...], base_model: str = DEFAULT_BASE) -> TrainingOptions:
    """Where to start for one of several classes: plain cross-entropy on texts as they are."""
    return replace(
        TrainingOptions(),
        base_model=base_model,
        labels=classes,
        task=SINGLE_LABEL,
        loss="cross_entropy",
        class_weights="none",
        stripped=0.0,
    )
