package paper

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account/internal/paper/papertest"
)

func aLetter(n int) Letter {
	return Letter{School: "Collège Alice-Guy", For: fmt.Sprintf("Hélène Straße-Łukasik %d", n), Hand: []string{"Responsable de Léa Benali (6e A)", "Remise par Léa"}, Hello: "Votre première connexion à Préau",
		Why:   "Préau est l’espace numérique de l’établissement : l’appel, les absences, le travail de la classe. Avec le code ci-dessous, vous choisissez votre mot de passe.",
		Facts: []Fact{{"Adresse", "https://preau.example/first-sign-in"}, {"Code", fmt.Sprintf("K7QM-2XPD-90RT-%04d", n)}, {"Votre identifiant", fmt.Sprintf("h.strasse%d", n)}},
		After: []string{"Ouvrez cette adresse, recopiez le code, puis choisissez un mot de passe. Ensuite, vous vous connectez avec votre identifiant et ce mot de passe.", "Le code sert une seule fois, jusqu’au 24\u00a0décembre 2026. Après cette date, demandez une autre lettre.", "Une question\u202f? 01 99 00 12 34"}}
}

var made = Document{Title: "Lettres de première connexion", Lang: "fr-FR", Made: time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)}

// Each person has a page with all that is theirs, as text, and nothing of anybody else.
func TestAPageAPerson(t *testing.T) {
	t.Parallel()
	var letters []Letter
	for n := range 3 {
		letters = append(letters, aLetter(n))
	}
	var file bytes.Buffer
	if err := Write(&file, made, letters); err != nil {
		t.Fatal(err)
	}
	if to := os.Getenv("PREAU_PICTURES"); to != "" {
		if err := os.WriteFile(to+"/letters.pdf", file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := papertest.Pages(t, file.Bytes())
	if len(got) != 3 {
		t.Fatalf("%d pages", len(got))
	}
	for n, text := range got {
		want := []string{"Collège Alice-Guy", fmt.Sprintf("Hélène Straße-Łukasik %d", n), "Léa Benali", "première connexion", "https://preau.example/first-sign-in", fmt.Sprintf("K7QM-2XPD-90RT-%04d", n), fmt.Sprintf("h.strasse%d", n), "24 décembre 2026", "01 99 00 12 34"}
		for _, w := range want {
			if !strings.Contains(strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(w, " ", "")) {
				t.Errorf("page %d lacks %q:\n%s", n, w, text)
			}
		}
		for m := range 3 {
			if other := fmt.Sprintf("90RT-%04d", m); m != n && strings.Contains(text, other) {
				t.Errorf("page %d has the code of %d", n, m)
			}
		}
	}
	for _, part := range []string{"/Lang (fr-FR)", "/ToUnicode", "FontFile2"} {
		if !bytes.Contains(file.Bytes(), []byte(part)) {
			t.Errorf("the file has no %s", part)
		}
	}
	var again bytes.Buffer
	if err := Write(&again, made, letters); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Error("the same letters make other bytes")
	}
}

// A name that the font cannot write loses an accent, never a letter.
func TestNamesThatTheFontLacks(t *testing.T) {
	t.Parallel()
	r, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"Nguyễn": "Nguyên", "Élodie": "Élodie", "E\u0301lodie": "Élodie", "Şahin": "Şahin", "Łukasz": "Łukasz", "œuvre": "œuvre", "24\u202fnov.": "24\u00a0nov.", "王": "?", "a\u0007b": "ab"} {
		if got := r.readable(from); got != to {
			t.Errorf("%q is written %q, want %q", from, got, to)
		}
	}
}

// The letters of 1,500 families take little room, in memory and on disk.
func TestManyLetters(t *testing.T) {
	var letters []Letter
	for n := range 1500 {
		letters = append(letters, aLetter(n))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var size counter
	if err := Write(&size, made, letters); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d bytes of PDF, %d MB allocated in all, %d MB of heap taken from the system", size, (after.TotalAlloc-before.TotalAlloc)>>20, (after.HeapSys-before.HeapSys)>>20)
	if size > 6<<20 || after.HeapSys-before.HeapSys > 64<<20 {
		t.Errorf("%d bytes of PDF, %d MB of heap", size, (after.HeapSys-before.HeapSys)>>20)
	}
}

type counter int

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }
