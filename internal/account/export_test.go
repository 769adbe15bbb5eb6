package account

// ByCode is byCode for the tests of the desk.
var ByCode = byCode
