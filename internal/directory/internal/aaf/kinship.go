package aaf

// Kinship says in words, French then English, what the second field of a packed link
// means in the dialect of 2013. The codes are those of the ministry's nomenclature
// N_LIEN_ELEVE_RESPONSABLE (BCN) as they stood before 30 March 2018; afterwards the
// mother is 10, the father 20, and so on. A code that the nomenclature does not have
// stays raw in the link and is "autre lien" here.
//
// It is information for people: who may be told is never derived from it.
func Kinship(code string) (french, english string) {
	switch code {
	case "1":
		return "père", "father"
	case "2":
		return "mère", "mother"
	case "3":
		return "tuteur", "appointed guardian"
	case "4":
		return "autre membre de la famille", "other family member"
	case "5":
		return "aide sociale à l'enfance", "child welfare service"
	case "6":
		return "autre cas", "other"
	case "7":
		return "l'élève lui-même", "the pupil"
	default:
		return "autre lien", "other link"
	}
}
