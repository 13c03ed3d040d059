"""The page of a dataset, and its numbers as JSON."""

from proskill.reports.dataset.page import stats_json, write_dataset_page, write_stats_json

__all__ = ["stats_json", "write_dataset_page", "write_stats_json"]
