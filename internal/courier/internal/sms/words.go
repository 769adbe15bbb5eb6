package sms

import (
	"net"
	"strings"
	"unicode"
)

// OneLine makes somebody else's words safe to keep: one line, printable, at most so many
// characters.
func OneLine(words string, most int) string {
	words = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, " "))
	runes := []rune(strings.Join(strings.Fields(words), " "))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return string(runes)
}

// ThisMachine reports whether host can only be the machine we run on.
func ThisMachine(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
