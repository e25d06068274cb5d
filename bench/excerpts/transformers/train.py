from dataclasses import dataclass, field

from transformers import HfArgumentParser, TrainingArguments


@dataclass
class ModelArguments:
    model_name: str = field(metadata={"help": "path"})
    cache_dir: str | None = field(default=None)


@dataclass
class Training(TrainingArguments):
    max_length: int = field(default=512)
    learning_rate: float = 2e-5


if __name__ == "__main__":
    parser = HfArgumentParser((ModelArguments, Training))
    model_args, training_args = parser.parse_args_into_dataclasses()
