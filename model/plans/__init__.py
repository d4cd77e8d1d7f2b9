"""Plans with reasons, and trainers that follow them: the line as a notebook uses it (docs/training.md)."""

from model.labels.plan import TrainingPlan as TrainingPlan
from model.plans.plan import DistilledModelPlan as DistilledModelPlan
from model.plans.plan import ModelPlan as ModelPlan
from model.plans.suggest import suggest_distilled_model_plan as suggest_distilled_model_plan
from model.plans.suggest import suggest_model_plan as suggest_model_plan
from model.plans.suggest import suggest_training_table_plan as suggest_training_table_plan
from model.plans.trainer import DistillationTrainer as DistillationTrainer
from model.plans.trainer import Trainer as Trainer
