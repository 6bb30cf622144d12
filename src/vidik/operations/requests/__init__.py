"""Citizens' requests: entities that other systems write, read at the desk, made incidents, answered in the entity."""
