# gnuplot large-image.gnuplot   draws large-image.svg and large-image.png from large-image.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set title 'hyper-iii: fixed FLOPs in the large image limit'
set logscale xy
set grid
set key top center
set xlabel 'pixels of the photo'
set ylabel 'kFLOP a pixel, hypernetworks included'
set arrow from 200704,graph 0 to 200704,graph 1 nohead dashtype 2
set label ' 448x448' at 200704,graph 0.04
set arrow from 12582912,graph 0 to 12582912,graph 1 nohead dashtype 2
set label ' 12 MP' at 12582912,graph 0.04
plot 'large-image.csv' using 6:($2==1 ? $9/1000 : NaN) with lines lw 2 title 'hidden 1', \
  'large-image.csv' using 6:($2==4 ? $9/1000 : NaN) with lines lw 2 title 'hidden 4', \
  'large-image.csv' using 6:($2==16 ? $9/1000 : NaN) with lines lw 2 title 'hidden 16', \
  'large-image.csv' using 6:($2==64 ? $9/1000 : NaN) with lines lw 2 title 'hidden 64', \
  'large-image.csv' using 6:($2==256 ? $9/1000 : NaN) with lines lw 2 title 'hidden 256', \
  'large-image.csv' using 6:($2==1024 ? $9/1000 : NaN) with lines lw 2 title 'hidden 1024', \
  'large-image.csv' using 6:($2==4096 ? $9/1000 : NaN) with lines lw 2 title 'hidden 4096'
set terminal svg size 900,600 dynamic background 'white'
set output 'large-image.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'large-image.png'
replot
