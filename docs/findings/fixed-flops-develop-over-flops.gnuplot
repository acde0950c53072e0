# gnuplot fixed-flops-develop-over-flops.gnuplot   draws fixed-flops-develop-over-flops.svg and fixed-flops-develop-over-flops.png from fixed-flops-develop-over-flops.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead bottom right
set title 'Developing, known white balance, unknown noise'
set logscale x
set grid
set offsets graph 0.1,graph 0.25,graph 0.05,graph 0.05
set xlabel 'GFLOP of a 12 MP photo'
set ylabel 'PSNR, dB (95 % intervals over seeds)'
plot 'fixed-flops-develop-over-flops.csv' using (column('flops_total_12mp')/1e9):(substr(strcol('variant'),1,5) eq 'plain' ? column('psnr') : NaN):'psnr_interval' with yerrorlines lw 2 pt 7 ps 0.7 title 'plain, wider and wider', \
  'fixed-flops-develop-over-flops.csv' using (column('flops_total_12mp')/1e9):(substr(strcol('variant'),1,5) ne 'plain' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 pt 5 ps 0.8 title 'the plain backbone and something more', \
  'fixed-flops-develop-over-flops.csv' using (column('flops_total_12mp')/1e9):'psnr':'variant' with labels left offset 0.8,0.4 font ',9' notitle
set terminal svg size 900,600 dynamic background 'white'
set output 'fixed-flops-develop-over-flops.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'fixed-flops-develop-over-flops.png'
replot
