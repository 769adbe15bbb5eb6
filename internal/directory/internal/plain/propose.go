package plain

import (
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// words are what columns are called that need no second look, folded. A mapping is only
// proposed: a person says what is right, and nothing here makes anybody a guardian.
var words = map[string][]string{
	"last":    {"nom", "nom de famille", "nom eleve", "nom de l eleve", "eleve nom", "last name", "surname", "name"},
	"first":   {"prenom", "prenom eleve", "prenom de l eleve", "eleve prenom", "first name", "given name"},
	"born":    {"ne le", "nee le", "ne e le", "date de naissance", "naissance", "date naissance", "born", "birth date", "date of birth"},
	"class":   {"classe", "division", "class"},
	"group":   {"groupe", "group"},
	"id":      {"id", "identifiant", "numero", "ine", "id eleve", "identifiant eleve"},
	"email":   {"courriel eleve", "mail eleve", "email eleve"},
	"sms":     {"portable eleve", "mobile eleve"},
	"uai":     {"uai", "code uai", "rne"},
	"school":  {"etablissement", "ecole", "school"},
	"level":   {"qualite", "responsabilite", "niveau de responsabilite", "legal", "level"},
	"kinship": {"lien", "parente", "lien de parente", "kinship", "relationship"},
	"consent": {"accepte sms", "accord sms", "sms", "consent"},
}

// ofAdult are what an adult's columns are called, beside the word for the adult.
var ofAdult = map[string][]string{
	"id":      {"id", "identifiant"},
	"last":    {"nom", "nom de famille", "last name", "surname", "name"},
	"first":   {"prenom", "first name"},
	"level":   {"qualite", "responsabilite", "niveau", "level"},
	"kinship": {"lien", "parente", "kinship"},
	"consent": {"accepte sms", "accord sms", "sms", "consent"},
	"email":   {"courriel", "mail", "email", "e mail", "adresse mail", "adresse electronique"},
	"sms":     {"portable", "mobile", "tel portable", "telephone portable", "cell", "gsm"},
	"phone":   {"telephone", "tel", "fixe", "tel fixe", "telephone fixe", "domicile", "phone"},
}

// adults are the words for the adults of a row, in the order of g1, g2…
var adults = [][]string{
	{"mere", "responsable 1", "resp 1", "resp1", "parent 1", "r1", "mother", "responsable", "parent", "guardian 1", "representant 1", "contact 1"},
	{"pere", "responsable 2", "resp 2", "resp2", "parent 2", "r2", "father", "guardian 2", "representant 2", "contact 2"},
	{"responsable 3", "resp 3", "parent 3", "guardian 3", "contact 3", "tuteur"},
	{"responsable 4", "parent 4", "guardian 4", "contact 4"},
}

// propose says what columns probably are; none is proposed twice.
func propose(columns []Column) {
	taken := map[string]bool{}
	for i := range columns {
		field := fieldOf(intake.Fold(columns[i].Name))
		if field == "" || taken[field] {
			continue
		}
		taken[field] = true
		columns[i].Field = field
	}
}

// plainAdult are words that name no adult: where a table has one adult, they are g1's.
var plainAdult = []string{"level", "kinship", "consent"}

func fieldOf(name string) string {
	if name == "" {
		return ""
	}
	for n, who := range adults {
		for _, w := range who {
			rest := ""
			switch {
			case strings.HasPrefix(name, w+" "):
				rest = name[len(w)+1:]
			case strings.HasSuffix(name, " "+w):
				rest = name[:len(name)-len(w)-1]
			default:
				continue
			}
			rest = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(rest, " de la"), " du"), " de")
			for _, what := range adultFields {
				if slices.Contains(ofAdult[what], rest) {
					return "g" + string(rune('1'+n)) + "." + what
				}
			}
		}
	}
	for _, field := range append(slices.Clone(pupilFields), plainAdult...) {
		if slices.Contains(words[field], name) {
			if slices.Contains(plainAdult, field) {
				return "g1." + field
			}
			return field
		}
	}
	// Alone in a list of pupils these are the family's.
	for _, what := range []string{"sms", "phone", "email"} {
		if slices.Contains(ofAdult[what], name) {
			return "g1." + what
		}
	}
	return ""
}

// Fields are all that a column may be: the pupil's, then those of so many adults.
func Fields(adults int) []string {
	out := slices.Clone(pupilFields)
	for n := range adults {
		for _, what := range adultFields {
			out = append(out, "g"+string(rune('1'+n))+"."+what)
		}
	}
	return out
}

// IsField tells whether a column may be that.
func IsField(field string) bool { return isField(field) }
