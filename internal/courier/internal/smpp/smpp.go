// Package smpp speaks SMPP 3.4 with an SMS centre.
package smpp
