package aaf

// Kinship says in words, French then English, what the second field of a packed link
// means: codes of one digit are those of the ministry's nomenclature
// N_LIEN_ELEVE_RESPONSABLE (BCN) as they stood before 30 March 2018, those of two digits
// the ones since. A code that the nomenclature does not have stays raw in the link and is
// "autre lien" here.
//
// It is information for people: who may be told is never derived from it.
func Kinship(code string) (french, english string) {
	switch code {
	case "1", "20":
		return "père", "father"
	case "2", "10":
		return "mère", "mother"
	case "3", "50":
		return "tuteur", "appointed guardian"
	case "4", "38", "39":
		return "autre membre de la famille", "other family member"
	case "37":
		return "fratrie", "sibling"
	case "5", "51":
		return "aide sociale à l'enfance", "child welfare service"
	case "6", "90":
		return "autre cas", "other"
	case "7", "70":
		return "l'élève lui-même", "the pupil"
	default:
		return "autre lien", "other link"
	}
}
