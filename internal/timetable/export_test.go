package timetable

// What the pages alone use, for the tests of its rules.
var (
	CallTimes     = callTimes
	Clashes       = clashes
	FitsMessage   = fitsMessage
	ReadCalendar  = readCalendar
	Relabel       = relabel
	RemoveClosure = removeClosure
)
