package http1

// Contract: forbiddenTrailer is the one place that decides which fields may stand in a
// trailer section, for reading and for writing. RFC 9110 section 6.5.1 names the kinds:
// fields for framing, routing, authentication, request modifiers, response control data
// and the processing of content. All of them would change, when it is over, how the
// message should have been treated.

// forbiddenTrailer reports whether name may not be sent in a trailer section.
func forbiddenTrailer(name []byte) bool {
	if len(name) == 0 || int(name[0]|0x20) >= len(trailerless) {
		return false
	}
	for _, forbidden := range trailerless[name[0]|0x20] {
		if fold(name, forbidden) {
			return true
		}
	}
	return false
}

// trailerless has the forbidden names by their first letter.
var trailerless = [128][]string{
	'a': {"age", "authentication-info", "authorization"},
	'c': {"cache-control", "connection", "content-encoding", "content-length", "content-range",
		"content-type", "cookie"},
	'd': {"date"},
	'e': {"expect", "expires"},
	'h': {"host"},
	'i': {"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since"},
	'k': {"keep-alive"},
	'l': {"location"},
	'm': {"max-forwards"},
	'p': {"pragma", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "proxy-connection"},
	'r': {"range", "retry-after"},
	's': {"set-cookie"},
	't': {"te", "trailer", "transfer-encoding"},
	'u': {"upgrade"},
	'v': {"vary"},
	'w': {"warning", "www-authenticate"},
}
