package directory_test

import (
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory"
)

const (
	pupilsOf = `<?xml version="1.0" encoding="UTF-8"?><BEE_ELEVES VERSION="2.1"><PARAMETRES>UAJ</PARAMETRES><DONNEES><ELEVES>
<ELEVE ELEVE_ID="0001"><NOM_DE_FAMILLE>CALMEVAL</NOM_DE_FAMILLE><PRENOM>Zoé</PRENOM><DATE_NAISS>31/12/2012</DATE_NAISS></ELEVE></ELEVES></DONNEES></BEE_ELEVES>`
	staffOf = `<?xml version="1.0" encoding="UTF-8"?><STS_EDT><PARAMETRES><UAJ CODE="0990001A"/></PARAMETRES><DONNEES><INDIVIDUS>
<INDIVIDU ID="12"><NOM_USAGE>ROUX</NOM_USAGE></INDIVIDU><INDIVIDU ID="13" TYPE="epp"><NOM_USAGE>CALMEVAL</NOM_USAGE><PRENOM>Ève</PRENOM></INDIVIDU></INDIVIDUS>STRUCTURE</DONNEES></STS_EDT>`
)

// TestWhatFilesLeaveOut: what a file may leave out is taken all the same, what it must say is
// asked for, and the reason names the file and what to do.
func TestWhatFilesLeaveOut(t *testing.T) {
	t.Parallel()
	siecle := func(uaj string) files { return files{"e.xml": []byte(strings.Replace(pupilsOf, "UAJ", uaj, 1))} }
	sts := func(structure string) files {
		return files{"sts_emp.xml": []byte(strings.Replace(staffOf, "STRUCTURE", structure, 1))}
	}
	for _, c := range []struct {
		name   string
		files  files
		read   directory.Reading
		says   string // of a refusal, or of a note; empty: none
		school string // that is taken; empty: none
	}{
		{"no code", siecle(""), directory.Reading{}, "e.xml:1: the file does not say which school it is of (PARAMETRES/UAJ): ask for a new export, or say its code with --uai", ""},
		{"no code, and it is said", siecle(""), directory.Reading{UAI: "0990001a"}, "", "0990001A"},
		{"a code that is none", siecle("<UAJ>123ABC</UAJ>"), directory.Reading{}, `e.xml:1: unreadable school code "123ABC"`, ""},
		{"a code that is none, and it is said", siecle("<UAJ>123ABC</UAJ>"), directory.Reading{UAI: "0990001A"}, `e.xml says that it is of school "123ABC", which is no code: it is taken as of 0990001A`, "0990001A"},
		{"another school than is said", siecle("<UAJ>0990002B</UAJ>"), directory.Reading{UAI: "0990001A"}, "", "0990002B"},
		{"staff without a kind, no structure", sts(""), directory.Reading{}, "", "0990001A"},
		{"no services", sts(`<STRUCTURE><DIVISIONS><DIVISION CODE="6A"><SERVICES/></DIVISION><DIVISION CODE="6B"/></DIVISIONS></STRUCTURE>`), directory.Reading{}, "", "0990001A"},
		{"a teacher without a kind", sts(`<STRUCTURE><DIVISIONS><DIVISION CODE="6A"><SERVICES><SERVICE CODE_MATIERE="1"><ENSEIGNANTS><ENSEIGNANT ID="12"/><ENSEIGNANT ID="13"/></ENSEIGNANTS></SERVICE></SERVICES></DIVISION></DIVISIONS></STRUCTURE>`), directory.Reading{}, "", "0990001A"},
		{"a table of no export", files{"liste.csv": []byte("Nom;Prénom\nRoux;Ève\n")}, directory.Reading{}, "liste.csv:1: this table is of no known export: bring it on the page Import", ""},
		{"packed with tar", files{"export.tar": append(append(make([]byte, 257), "ustar\x0000"...), make([]byte, 600)...)}, directory.Reading{}, "export.tar: this is an archive that Préau does not open", ""},
		{"two folders", files{"a/e.xml": []byte(pupilsOf), "b/e.xml": []byte(pupilsOf)}, directory.Reading{}, "no file in this folder", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := found(t, c.files.write(t), c.read)
			var said []string
			for _, one := range r.Refused {
				said = append(said, one.Place()+": "+one.Reason)
			}
			for _, note := range r.Notes {
				if !strings.Contains(note, "nobody will be told") {
					said = append(said, note)
				}
			}
			if all := strings.Join(said, "\n"); (c.says == "") != (all == "") || !strings.Contains(all, c.says) {
				t.Errorf("said %q, want %q", all, c.says)
			}
			var taken string
			for _, s := range r.PerSchool {
				if s.Taken {
					taken += s.UAI
				}
			}
			if taken != c.school {
				t.Errorf("took %q, want %q", taken, c.school)
			}
		})
	}
}
