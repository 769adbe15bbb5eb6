package page

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The two spaces of French printing at which a line never breaks.
const (
	thin = "\u202f" // before ; ! ? and between thousands
	firm = "\u00a0" // before : and inside « », between a number and its unit
)

// typeset puts a language's printing marks into a sentence typed on a plain
// keyboard.
func typeset(lang, s string) string {
	if s == "" {
		return s
	}
	s = strings.ReplaceAll(s, "'", "’")
	if lang != "fr" {
		return s
	}
	return frenchSpaces.Replace(s)
}

// frenchSpaces only ever turns a typed space into an unbreakable one: it adds
// none, so that addresses and hours (8:05) stay as they are.
var frenchSpaces = strings.NewReplacer(
	" ;", thin+";", " !", thin+"!", " ?", thin+"?",
	" :", firm+":", "« ", "«"+firm, " »", firm+"»", " %", firm+"%", " €", firm+"€",
)

// Plain takes the printing marks out again: for tests that look for a sentence
// in a page, and for text that must stay in a small character set.
func Plain(s string) string { return plainMarks.Replace(s) }

var plainMarks = strings.NewReplacer(thin, " ", firm, " ", "’", "'", "&#39;", "'", "&#34;", `"`)

// Hour writes the time of day in the school's zone: 8 h 05, in English 8:05.
func Hour(ctx context.Context, t time.Time) string {
	t = t.In(Zone(ctx))
	if Lang(ctx) == "fr" {
		return fmt.Sprintf("%d%sh%s%02d", t.Hour(), firm, firm, t.Minute())
	}
	return fmt.Sprintf("%d:%02d", t.Hour(), t.Minute())
}

// Date writes the day without its year: mardi 6 avril, Tuesday 6 April.
func Date(ctx context.Context, t time.Time) string {
	t = t.In(Zone(ctx))
	if Lang(ctx) == "fr" {
		return frenchDays[t.Weekday()] + " " + frenchDay(t) + firm + frenchMonths[t.Month()-1]
	}
	return t.Format("Monday 2" + firm + "January")
}

// DateYear writes the day with its year: 6 avril 2027, 6 April 2027.
func DateYear(ctx context.Context, t time.Time) string {
	t = t.In(Zone(ctx))
	if Lang(ctx) == "fr" {
		return frenchDay(t) + firm + frenchMonths[t.Month()-1] + " " + strconv.Itoa(t.Year())
	}
	return t.Format("2" + firm + "January 2006")
}

// DateHour writes day and time of day: mardi 6 avril, 8 h 21.
func DateHour(ctx context.Context, t time.Time) string {
	return Date(ctx, t) + ", " + Hour(ctx, t)
}

func frenchDay(t time.Time) string {
	if t.Day() == 1 {
		return "1er"
	}
	return strconv.Itoa(t.Day())
}

var (
	frenchDays   = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}
	frenchMonths = [...]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
		"septembre", "octobre", "novembre", "décembre"}
)

// Capital writes the first letter as a capital: for a date at the head of a line.
func Capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}

// Number writes a whole number with its thousands apart: 1 204, in English 1,204.
func Number[N int | int32 | int64](ctx context.Context, n N) string {
	return number(Lang(ctx), int64(n))
}

func number(lang string, n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	mark := ","
	if lang == "fr" {
		mark = thin
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + mark + s[i:]
	}
	return sign + s
}

// Left writes what remains of a wait: 6:12, never less than 0:00.
func Left(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
