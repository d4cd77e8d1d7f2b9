"""The predictive query language: text, tree, bound query, SQL."""

from model.query.bind import bind_query as bind_query
from model.query.bound import BoundQuery as BoundQuery
from model.query.parse import parse_query as parse_query
from model.query.syntax import PredictiveQuery as PredictiveQuery
