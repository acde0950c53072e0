# gnuplot fixed-flops-pairs-over-parameters.gnuplot   draws fixed-flops-pairs-over-parameters.svg and fixed-flops-pairs-over-parameters.png from fixed-flops-pairs-over-parameters.csv
set datafile separator ','
set terminal unknown
set datafile missing NaN
set key autotitle columnhead bottom right
set title 'simzrr, a simulated stand-in: unknown exposure and white balance'
set logscale x
set grid
set offsets graph 0.1,graph 0.25,graph 0.05,graph 0.05
set xlabel 'thousand parameters'
set ylabel 'PSNR, dB (95 % intervals over seeds)'
plot 'fixed-flops-pairs-over-parameters.csv' using (column('parameters')/1e3):(substr(strcol('variant'),1,5) eq 'plain' ? column('psnr') : NaN):'psnr_interval' with yerrorlines lw 2 pt 7 ps 0.7 title 'plain, wider and wider', \
  'fixed-flops-pairs-over-parameters.csv' using (column('parameters')/1e3):(substr(strcol('variant'),1,5) ne 'plain' ? column('psnr') : NaN):'psnr_interval' with yerrorbars lw 2 pt 5 ps 0.8 title 'the plain backbone and something more', \
  'fixed-flops-pairs-over-parameters.csv' using (column('parameters')/1e3):'psnr':'variant' with labels left offset 0.8,0.4 font ',9' notitle
set terminal svg size 900,600 dynamic background 'white'
set output 'fixed-flops-pairs-over-parameters.svg'
replot
set terminal pngcairo size 1800,1200 fontscale 1.9 linewidth 2
set output 'fixed-flops-pairs-over-parameters.png'
replot
