package directory

// What the pages alone use, for the tests of its rules.
var (
	CircleOf   = circleOf
	ListPupils = listPupils
	WritePhone = writePhone
)

// PerPage is perPage.
const PerPage = perPage
