"""An EKS cluster, who may enter it, and the add-ons that EKS manages for it."""
