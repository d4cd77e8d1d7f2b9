"""How long EKS supports each Kubernetes version: a dated table and a check against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 20)
SOURCE = "https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html"
