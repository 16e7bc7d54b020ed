-- statement: the form of what a decision rested on
ALTER TABLE {database}.traces {on_cluster}
    COMMENT COLUMN decision_inputs 'Facts and health of targets that the decision rested on, as the query of a URL (model=gpt-4o&tag.app=x&health.openai/a=open), unknown and empty ones left out; empty = the default route, or too long to keep.'
