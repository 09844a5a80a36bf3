module github.com/heddle-go/heddle/httpfw/contrib

go 1.26.0

replace github.com/heddle-go/heddle => ../..
