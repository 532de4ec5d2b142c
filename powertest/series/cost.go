package series

// addCost adds to each point what its energy costs, if there is a price.
func (s *Series) addCost() {
	if s.Price == nil {
		return
	}
	for _, g := range s.Groups {
		for i := range g.Points {
			p := &g.Points[i]
			if p.Joules != nil {
				c := s.Price.Of(*p.Joules)
				p.Cost = &c
			}
			if j := p.JoulesPerToken; j != nil {
				c := s.Price.PerMillion(*j)
				p.CostPerMillionTokens = &c
			}
		}
	}
	s.Notes = append(s.Notes, s.Price.NotCovered("GPUs"))
}
