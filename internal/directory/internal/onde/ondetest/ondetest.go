// Package ondetest writes the tables of a primary school that does not exist, in the
// shape of ONDE's, at any size: for tests, for fuzzing and for measurements. The same
// seed and size give the same bytes.
//
// It keeps what a reader must not trip over: accents in headers, a header with a space
// in front, groups of columns under names that repeat, both vintages, ragged rows, two
// pupils of one name, siblings, children in a class that the pupils' file does not say.
package ondetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// Size says how much to write, and how.
type Size struct {
	Pupils int
	// Extension writes the vintage with the column Numéro de poste.
	Extension bool
	// Ragged cuts empty columns off rows, or adds some.
	Ragged bool
	// UTF8 writes UTF-8 instead of ISO-8859-15.
	UTF8 bool
}

// Truth is what a reader must find.
type Truth struct {
	Pupils, Rows, Sure, Doubtful, Unknown int
	// Sures are the links that are sure: guardian's first and last name, child's first
	// and last name, class.
	Sures map[string]bool
}

type pupil struct{ last, usual, first, born, class string }

// Generate writes the three tables into the folder dir.
func Generate(dir string, seed uint64, size Size) (Truth, error) {
	rng := rand.New(rand.NewPCG(seed, seed^0x0DE))
	t := Truth{Sures: map[string]bool{}}
	count := map[string]int{} // of a name in a class
	var pupils []pupil
	classes := []string{"PS", "MS", "GS", "CP", "CE1", "CE2", "CM1", "CM2 - Mme Ïle"}
	for i := range size.Pupils {
		p := pupil{last: surnames[rng.IntN(len(surnames))] + suffix(i), first: firsts[rng.IntN(len(firsts))], born: fmt.Sprintf("20%02d-%02d-%02d", 16+rng.IntN(8), 1+rng.IntN(12), 1+rng.IntN(28)), class: classes[rng.IntN(len(classes))]}
		if i > 0 && rng.IntN(20) == 0 { // the namesake of another, born another day
			p.last, p.first = pupils[i-1].last, pupils[i-1].first
			p.born = fmt.Sprintf("2015-01-%02d", 1+i%28)
		}
		pupils = append(pupils, p)
	}
	keys := map[string]bool{}
	for i := range pupils {
		for keys[pupils[i].last+pupils[i].first+pupils[i].born] {
			pupils[i].born = fmt.Sprintf("2014-%02d-%02d", 1+rng.IntN(12), 1+rng.IntN(28))
		}
		keys[pupils[i].last+pupils[i].first+pupils[i].born] = true
		count[pupils[i].last+"|"+pupils[i].first+"|"+pupils[i].class]++
	}
	t.Pupils = len(pupils)
	var b strings.Builder
	row(&b, true, "Nom Elève", "Nom d'usage Elève", "Prénom Elève", "Date naissance", "Sexe", "Adresse1", " Cycle", "Niveau", "Classe", "Attestation fournie")
	for _, p := range pupils {
		row(&b, true, p.last, p.usual, p.first, p.born, "F", "", "CYCLE II", "CE1", p.class, "Oui")
	}
	if err := write(dir, "CSVExtraction-eleves.csv", b.String(), size.UTF8); err != nil {
		return t, err
	}
	b.Reset()
	head := []string{"Civilité Responsable", "Nom usage responsable", "Nom responsable", "Prénom responsable", "Adresse responsable", "CP responsable", "Commune responsable", "Pays", "Courriel", "Téléphone domicile", "Téléphone travail"}
	if size.Extension {
		head = append(head, "Numéro de poste")
	}
	head = append(head, "Téléphone portable")
	for range 3 {
		head = append(head, "Nom d'usage enfant", "Nom de famille enfant", "Prénom enfant", "Classes enfants")
	}
	row(&b, false, head...)
	for i := 0; i < len(pupils); {
		n := min(1+rng.IntN(4), len(pupils)-i)
		for _, title := range []string{"Mme", "M."}[:1+rng.IntN(2)] {
			last, first := surnames[rng.IntN(len(surnames))]+suffix(i), firsts[rng.IntN(len(firsts))]
			fields := []string{title, "", last, first, "1 RUE INVENTÉE", "99000", "VILLEFICTIVE", "", fmt.Sprintf("responsable.%d@familles.example", i), fmt.Sprintf("019900%04d", i%10_000), ""}
			if size.Extension {
				fields = append(fields, "")
			}
			fields = append(fields, fmt.Sprintf("063998%04d", 100+i%9_900))
			for _, p := range pupils[i : i+n] {
				class := p.class
				switch {
				case rng.IntN(15) == 0:
					class = "CLIS"
					t.Doubtful++
				case rng.IntN(20) == 0:
					p.last = "INCONNU AU BATAILLON"
					t.Unknown++
				case count[p.last+"|"+p.first+"|"+p.class] > 1:
					t.Doubtful++
				default:
					t.Sure++
					t.Sures[strings.Join([]string{first, last, p.first, p.last, class}, "|")] = true
				}
				fields = append(fields, p.usual, p.last, p.first, class)
			}
			t.Rows++
			if size.Ragged {
				if rng.IntN(2) == 0 {
					fields = append(fields, make([]string, rng.IntN(9))...)
				}
			} else {
				for len(fields) < len(head) {
					fields = append(fields, "")
				}
			}
			row(&b, false, fields...)
		}
		i += n
	}
	if err := write(dir, "CSVExtraction-responsables.csv", b.String(), size.UTF8); err != nil {
		return t, err
	}
	b.Reset()
	row(&b, true, "Civilité", "Nom usage", "Nom", "Prénom", "Adresse", "CP", "Commune", "Pays", "Courriel", "Téléphone domicile", "Téléphone portable", "Directeur", "Classe")
	row(&b, true, "MME", "", "CALMEVAL", "Hélène", "", "", "", "", "", "", "", "oui", "CP")
	return t, write(dir, "CSVExtraction-enseignants.csv", b.String(), size.UTF8)
}

// suffix makes family names that differ, with letters only.
func suffix(i int) string {
	out := ""
	for ; i > 0; i /= 26 {
		out += string(rune('A' + i%26))
	}
	return out
}

func row(b *strings.Builder, quoted bool, fields ...string) {
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(';')
		}
		if quoted && f != "" {
			f = `"` + f + `"`
		}
		b.WriteString(f)
	}
	b.WriteString("\r\n")
}

func write(dir, name, text string, utf8 bool) error {
	if !utf8 {
		var err error
		if text, err = charmap.ISO8859_15.NewEncoder().String(text); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
}

var surnames = []string{"AUBERGINAC", "BRINDEZINGUE", "CALMEVAL", "D'ORNEMARE", "ÉGLANTOT", "LŒUILLARD", "ÇAÏQUE", "DE LA TREMBLOIRE"}

var firsts = []string{"Adèle", "Béatrice", "Chloé", "Désiré", "Élodie", "Gaël", "Jean-Loïc", "Noël", "Zoé"}
