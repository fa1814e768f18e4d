"""What a community may do: modules, groups, dysbiosis, links with metabolites."""
