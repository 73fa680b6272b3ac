"""From a fitted classifier to a ranked list of candidates, and what a chemist asks of it."""

from skxrd.screening._campaign import simulate_campaign
from skxrd.screening._campaign_display import CampaignDisplay
from skxrd.screening._chemistry import composition_flags
from skxrd.screening._columns import column_descriptions
from skxrd.screening._composition_similarity import CompositionSimilarity
from skxrd.screening._domain_gap import DomainGap, domain_gap
from skxrd.screening._element_display import ElementStatisticsDisplay
from skxrd.screening._element_statistics import element_statistics
from skxrd.screening._experiments import suggest_experiments
from skxrd.screening._export import read_candidates, write_candidates, write_structures
from skxrd.screening._filters import BaseFilter, CandidateFilter, ElementFilter
from skxrd.screening._literature import match_labels
from skxrd.screening._periodic_table_display import PeriodicTableDisplay
from skxrd.screening._screen import screen
from skxrd.screening._screener import CandidateScreener
from skxrd.screening._similarity import PatternSimilarity
from skxrd.screening._similarity_display import SimilarityDisplay
from skxrd.screening._structure_similarity import StructureSimilarity
from skxrd.screening._structures import structure_facts

__all__ = [
    "BaseFilter",
    "CampaignDisplay",
    "CandidateFilter",
    "CandidateScreener",
    "CompositionSimilarity",
    "DomainGap",
    "ElementFilter",
    "ElementStatisticsDisplay",
    "PatternSimilarity",
    "PeriodicTableDisplay",
    "SimilarityDisplay",
    "StructureSimilarity",
    "column_descriptions",
    "composition_flags",
    "domain_gap",
    "element_statistics",
    "match_labels",
    "read_candidates",
    "screen",
    "simulate_campaign",
    "structure_facts",
    "suggest_experiments",
    "write_candidates",
    "write_structures",
]
