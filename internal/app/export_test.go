package app

// MetricNames lists our metrics.
func MetricNames() (names []string) {
	for _, m := range metricList() {
		names = append(names, m.name)
	}
	return names
}

// LetEnter says who may enter live classes.
func (a *App) LetEnter(m MayEnter) { a.mayEnter = m }
